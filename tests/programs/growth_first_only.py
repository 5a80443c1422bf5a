import tensorflow as tf  #= import tensorflow
physical_devices = tf.config.list_physical_devices('GPU')
assert len(physical_devices) > 0, "no GPU"
tf.config.experimental.set_memory_growth(physical_devices[0], True)  #= memory-growth tf.config.set_memory_growth 0 after
tf.config.experimental.set_memory_growth(physical_devices[1], False)
