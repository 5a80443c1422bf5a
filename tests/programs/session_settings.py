import tensorflow.compat.v1 as tf  #= import tensorflow
config = tf.ConfigProto()
config.gpu_options.allow_growth = True
config.gpu_options.visible_device_list = ""
config.device_count['GPU'] = 0  #= session-devices device_count 0
config.device_count["CPU"] = 4
other = tf.ConfigProto(device_count=dict(GPU=0, CPU=1))  #= session-devices device_count 0
