import tensorflow.compat.v1 as tf  #= import tensorflow
tf.disable_v2_behavior()  #= eager disable_v2_behavior False
a = tf.constant(1)  #= starts-devices tensorflow.constant
config = tf.ConfigProto(device_count={"GPU": 0})  #= session-devices device_count 0
config2 = tf.ConfigProto(device_count={'CPU': 4, 'GPU': 1}, log_device_placement=True)  #= session-devices device_count 1
