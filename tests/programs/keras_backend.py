import os
os.environ["KERAS_BACKEND"] = "jax"  #= set-variable KERAS_BACKEND jax before
import keras  #= import keras
os.environ["KERAS_BACKEND"] = "tensorflow"  #= set-variable KERAS_BACKEND tensorflow after
os.environ["TF_USE_LEGACY_KERAS"] = "1"  #= set-variable TF_USE_LEGACY_KERAS 1 after
