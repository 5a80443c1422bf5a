import os
os.environ["A"], os.environ["B"] = "1", \
    "-1"
os.environ[  #= set-variable TF_CPP_MIN_LOG_LEVEL 3
    "TF_CPP_MIN_LOG_LEVEL"  # what it says
] = (
    "3"
)
os.environ["CUDA_VISIBLE_DEVICES"] \
    = "-1"
x = 1; \
os.environ["C"] = "2"  #= set-variable C 2
#= line 2: set-variable A ? ;; line 2: set-variable B ?
#= line 9: set-variable CUDA_VISIBLE_DEVICES -1
