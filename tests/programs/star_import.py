from tensorflow import *  #= import tensorflow
device = "mine"
config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none
device("/CPU:0")
x = constant([1.0])  #= starts-devices tensorflow.constant
print(len([x]))  #= starts-devices tensorflow.print
