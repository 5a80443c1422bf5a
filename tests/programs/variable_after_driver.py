import os
import tensorflow as tf  #= import tensorflow
os.environ["CUDA_VISIBLE_DEVICES"] = "0"  #= set-variable CUDA_VISIBLE_DEVICES 0 after
gpus = tf.config.list_physical_devices("GPU")
os.environ["CUDA_VISIBLE_DEVICES"] = "0"  #= set-variable CUDA_VISIBLE_DEVICES 0 started
os.environ["TF_GPU_ALLOCATOR"] = "cuda_malloc_async"  #= set-variable TF_GPU_ALLOCATOR cuda_malloc_async after
