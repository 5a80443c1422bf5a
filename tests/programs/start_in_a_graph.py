import tensorflow as tf  #= import tensorflow
with tf.Graph().as_default():
    a = tf.constant(1)  #= starts-devices tensorflow.constant
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none perhaps
if a: b = tf.constant(1)  #= starts-devices tensorflow.constant unsure
