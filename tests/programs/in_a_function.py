import os
def main(device="-1"):
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  #= set-variable CUDA_VISIBLE_DEVICES -1 unsure
    import tensorflow as tf  #= import tensorflow unsure
main()
