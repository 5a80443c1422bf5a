import tensorflow as tf  #= import tensorflow
from tensorflow import keras  #= import tensorflow
print(tf.__version__, tf.config.list_physical_devices("GPU"))
tf.get_logger().setLevel("ERROR")
inputs = keras.Input((3,))
stop = keras.callbacks.EarlyStopping()
@tf.function(jit_compile=True)  #= jit jit_compile True
def step(x):
    return tf.matmul(x, x)
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none after
model = keras.Sequential([keras.layers.Dense(3)])
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none perhaps
adam = keras.optimizers.Adam()  #= starts-devices tensorflow.keras.optimizers.Adam
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none started
