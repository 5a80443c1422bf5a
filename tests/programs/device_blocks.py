import tensorflow as tf  #= import tensorflow
with tf.device("/CPU:0"):  #= device tf.device /CPU:0 trains=no ;; starts-devices tensorflow.device
    data = tf.data.Dataset.range(3)  #= starts-devices tensorflow.data.Dataset.range
with tf.device("/cpu:0"):  #= device tf.device /cpu:0 trains=yes ;; starts-devices tensorflow.device
    model = tf.keras.Sequential()
    model.fit(data)
def train(): pass
with tf.device("CPU"):  #= device tf.device CPU trains=? ;; starts-devices tensorflow.device
    train()
with open("x") as f, tf.device("/GPU:1") as d:  #= device tf.device /GPU:1 trains=yes ;; starts-devices tensorflow.device
    with tf.GradientTape() as tape:
        pass
