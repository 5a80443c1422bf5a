import os, sys
if "--cpu" in sys.argv:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  #= set-variable CUDA_VISIBLE_DEVICES -1 unsure
elif len(sys.argv): os.environ["A"] = "1"  #= set-variable A 1 unsure
else:
    os.environ["A"] = "2"  #= set-variable A 2 unsure
os.environ["B"] = "3"  #= set-variable B 3
