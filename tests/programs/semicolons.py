import os; os.environ["A"] = "1"; import tensorflow as tf  #= set-variable A 1 before ;; import tensorflow
os.environ["B"] = "2"; x = tf.ones(1); os.environ["C"] = "3"  #= set-variable B 2 after ;; starts-devices tensorflow.ones ;; set-variable C 3 started
