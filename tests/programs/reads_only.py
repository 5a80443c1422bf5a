import os
visible = os.environ["CUDA_VISIBLE_DEVICES"]
visible = os.environ.get("CUDA_VISIBLE_DEVICES", "-1")
if os.environ["CUDA_VISIBLE_DEVICES"] == "-1":
    print("hidden")
assert os.environ["X"] != "-1"
