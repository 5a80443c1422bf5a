import os, sys
gpu = sys.argv[1]
os.environ["CUDA_VISIBLE_DEVICES"] = gpu  #= set-variable CUDA_VISIBLE_DEVICES ?
os.environ["A"] = f"{gpu}"  #= set-variable A ?
os.environ["B"] = f"plain {{}}"  #= set-variable B plain {}
os.environ["C"] = "0" "," "1"  #= set-variable C 0,1
os.environ["D"] = str(-1)  #= set-variable D -1
os.environ["E"] = "0" if gpu else "-1"  #= set-variable E ? unsure
os.environ["F"] = "\x2d1"  #= set-variable F -1
os.environ["G"] += ":x"  #= set-variable G ?
os.environ[gpu] = "x"  #= set-variable ? x
