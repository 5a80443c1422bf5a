from os import *
import os
environ["CUDA_VISIBLE_" + "DEVICES"] = "-" + "1"  #= set-variable CUDA_VISIBLE_DEVICES -1
NAME = "CUDA_VISIBLE"
os.environ[f"{NAME}_DEVICES"] = f"{NAME}"  #= set-variable CUDA_VISIBLE_DEVICES CUDA_VISIBLE
os.environ[f"{NAME!r}"] = "x"  #= set-variable ? x
os.environb[b"A"] = rb"1"  #= set-variable A 1
os.environb.update({b"B": b"2"})  #= set-variable B 2
os.environ.update(dict(C="3"), D="4")  #= set-variable C 3 ;; set-variable D 4
os.environ.update({"E": "5", **os.environ})  #= set-variable E 5 ;; set-variable ? ?
os.environ.update(somewhere.settings())  #= set-variable ? ?
os.environ |= dict(F="6")  #= set-variable F 6
putenv(b"G", b"7")  #= set-variable G 7
os.putenv("KERAS_BACKEND", "jax")
del environ["A"], os.environ["B"]  #= unset-variable A ;; unset-variable B
for name in list(os.environ):
    del os.environ[name]  #= unset-variable ? unsure
os.environ.clear()  #= unset-variable ?
text = "CUDA_VISIBLE_DEVICES" + "=" + environ["A"]
