from os import environ as env, putenv
import os as operating_system
env["CUDA_VISIBLE_DEVICES"] = "-1"  #= set-variable CUDA_VISIBLE_DEVICES -1
putenv("CUDA_VISIBLE_DEVICES", "0")  #= set-variable CUDA_VISIBLE_DEVICES 0
operating_system.environ["A"] = "b"  #= set-variable A b
surroundings = operating_system.environ
surroundings["B"] = "c"  #= set-variable B c
class Thing: environ = {}
Thing.environ["C"] = "d"
