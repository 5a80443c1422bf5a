import tensorflow as tf  #= import tensorflow
gpus = tf.config.list_physical_devices("GPU")
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none after
tf.config.set_visible_devices(gpus[0], device_type="GPU")  #= visible-devices tf.config.set_visible_devices 0
tf.config.experimental.set_visible_devices([gpus[1]], "GPU")  #= visible-devices tf.config.set_visible_devices 1
tf.config.set_visible_devices(gpus, "GPU")
tf.config.set_visible_devices(gpus[1:], "GPU")  #= visible-devices tf.config.set_visible_devices ?
tf.config.set_visible_devices([], "CPU")
tf.config.set_visible_devices(tf.config.list_physical_devices("CPU"))  #= visible-devices tf.config.set_visible_devices none
