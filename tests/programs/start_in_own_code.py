import argparse
import tensorflow as tf  #= import tensorflow
def arguments():
    return argparse.ArgumentParser().parse_args()
def show(x):
    print(x)
class Plain:
    def __init__(self): show(1)
    def train(self): return tf.zeros(1)  #= starts-devices tensorflow.zeros unsure
def data():
    return deeper()
def deeper():
    return tf.zeros(1)  #= starts-devices tensorflow.zeros unsure
scale = lambda x: tf.cast(x, tf.float32)  #= starts-devices tensorflow.cast unsure
options = arguments()
plain = Plain()
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none after
rows = data()
tf.config.set_visible_devices([], "GPU")  #= visible-devices tf.config.set_visible_devices none perhaps
