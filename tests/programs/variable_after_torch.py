import os, torch  #= import torch
os.environ["CUDA_VISIBLE_DEVICES"] = "0"  #= set-variable CUDA_VISIBLE_DEVICES 0 before
torch.cuda.is_available()
os.environ["CUDA_VISIBLE_DEVICES"] = "0"  #= set-variable CUDA_VISIBLE_DEVICES 0 perhaps
