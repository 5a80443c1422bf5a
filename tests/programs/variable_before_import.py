import os
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  #= set-variable CUDA_VISIBLE_DEVICES -1 before
import tensorflow as tf  #= import tensorflow
