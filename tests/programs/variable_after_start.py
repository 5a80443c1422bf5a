import os
import tensorflow as tf  #= import tensorflow
x = tf.constant([1.0])  #= starts-devices tensorflow.constant
os.environ["CUDA_VISIBLE_DEVICES"] = "1"  #= set-variable CUDA_VISIBLE_DEVICES 1 started
