import os
import tensorflow as tf  #= import tensorflow
os.environ["CUDA_VISIBLE_DEVICES"] = "0"  #= set-variable CUDA_VISIBLE_DEVICES 0 after
