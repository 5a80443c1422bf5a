import os
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  #= default-variable CUDA_VISIBLE_DEVICES -1
os.environ.update({"A": "1", 'B': str(2)}, C="3")  #= set-variable A 1 ;; set-variable B 2 ;; set-variable C 3
os.environ.pop("CUDA_VISIBLE_DEVICES", None)  #= unset-variable CUDA_VISIBLE_DEVICES
del os.environ["A"]  #= unset-variable A
os.environ |= {"D": "4"}  #= set-variable D 4
os.unsetenv("B")  #= unset-variable B
