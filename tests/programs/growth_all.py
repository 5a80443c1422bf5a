import tensorflow as tf  #= import tensorflow
gpus = tf.config.list_physical_devices('GPU')
if gpus:
    try:
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)  #= memory-growth tf.config.set_memory_growth all after
    except RuntimeError as e:
        print(e)
[tf.config.experimental.set_memory_growth(g, True) for g in gpus]  #= memory-growth tf.config.set_memory_growth all
for d in tf.config.experimental.list_physical_devices('GPU'): tf.config.set_memory_growth(d, enable=True)  #= memory-growth tf.config.set_memory_growth all
