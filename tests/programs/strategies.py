import tensorflow as tf  #= import tensorflow
one = tf.distribute.OneDeviceStrategy(device="/cpu:0")  #= device tf.distribute.OneDeviceStrategy /cpu:0 trains=? ;; starts-devices tensorflow.distribute.OneDeviceStrategy
mirrored = tf.distribute.MirroredStrategy()  #= starts-devices tensorflow.distribute.MirroredStrategy
