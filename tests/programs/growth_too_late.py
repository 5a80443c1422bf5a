import tensorflow as tf  #= import tensorflow
print(tf.reduce_sum(tf.random.normal([1000, 1000])))  #= starts-devices tensorflow.reduce_sum ;; starts-devices tensorflow.random.normal
gpus = tf.config.list_physical_devices('GPU')
if len(gpus) > 0:
    tf.config.experimental.set_memory_growth(gpus[0], True)  #= memory-growth tf.config.set_memory_growth 0 started
