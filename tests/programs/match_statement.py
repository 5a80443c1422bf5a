import os, sys
match sys.argv:
    case [_, "cpu"]:
        os.environ["A"] = "1"  #= set-variable A 1 unsure
    case _:
        pass
match = 3
case = {"x": 1}
os.environ["B"] = "2"  #= set-variable B 2
