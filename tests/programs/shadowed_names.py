import os
import tensorflow as tf  #= import tensorflow
tf = object()
tf.config.set_visible_devices([], "GPU")
class os2: pass
self = os2()
self.os = os
self.tf = tf
self.environ = {}
self.environ["A"] = "1"
