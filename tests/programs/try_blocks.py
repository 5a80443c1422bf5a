import os
try:
    import tensorflow as tf  #= import tensorflow
    os.environ["A"] = "1"  #= set-variable A 1 after
except ImportError:
    os.environ["B"] = "1"  #= set-variable B 1 unsure
else:
    os.environ["C"] = "1"  #= set-variable C 1
finally:
    os.environ["D"] = "1"  #= set-variable D 1
