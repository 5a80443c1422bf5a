import tensorflow as tf  #= import tensorflow
tf.config.run_functions_eagerly(True)  #= eager run_functions_eagerly True
tf.config.optimizer.set_jit("autoclustering")  #= jit set_jit autoclustering
@tf.function(jit_compile=True)  #= jit jit_compile True
def step(x): return x
model = tf.keras.Sequential()
model.compile(loss="mse", run_eagerly=True, jit_compile=False)  #= eager run_eagerly True ;; jit jit_compile False
