import tensorflow as tf  #= import tensorflow
def build():
    return tf.zeros([1])  #= starts-devices tensorflow.zeros unsure
scale = lambda x: tf.cast(x, tf.float32)  #= starts-devices tensorflow.cast unsure
tf.random.set_seed(1)
tf.keras.utils.set_random_seed(1)
tf.config.set_logical_device_configuration(None, [])  #= logical-devices tf.config.set_logical_device_configuration after
