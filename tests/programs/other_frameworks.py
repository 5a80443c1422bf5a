import numpy as np
import torch, jax.numpy as jnp  #= import torch before ;; import jax before
from keras import layers  #= import keras
import tensorflow  #= import tensorflow
import tensorflow_datasets as tfds
