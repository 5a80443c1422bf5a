import tensorflow as tf  #= import tensorflow
class Net(tf.keras.Model): pass
class Layer(tf.keras.layers.Layer): pass
layer = Layer()
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none after
net = Net()
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none perhaps
