from tensorflow import config as c  #= import tensorflow
from tensorflow.config import set_visible_devices as show  #= import tensorflow
show([], "GPU")  #= visible-devices tf.config.set_visible_devices none
c.set_visible_devices(devices=[], device_type="GPU")  #= visible-devices tf.config.set_visible_devices none
