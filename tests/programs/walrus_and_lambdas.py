import os
import tensorflow as tf  #= import tensorflow
if (n := len("x")) > 3: os.environ["A"] = "1"  #= set-variable A 1 unsure
f = lambda: os.environ.update(A="2")  #= set-variable A 2 unsure
ok = n and tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none unsure
