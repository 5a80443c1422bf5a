import os
if False:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
if 0: os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
if True:
    os.environ["A"] = "1"  #= set-variable A 1
while False:
    os.environ["A"] = "2"
