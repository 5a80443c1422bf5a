import os
if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  #= set-variable CUDA_VISIBLE_DEVICES -1
if "__main__" == __name__: os.environ["A"] = "1"  #= set-variable A 1
if __name__ == "elsewhere":
    os.environ["A"] = "2"  #= set-variable A 2 unsure
