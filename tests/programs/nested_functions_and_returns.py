import os
def outer():
    def inner():
        os.environ["A"] = "1"  #= set-variable A 1 unsure
        return 1
    return inner
os.environ["B"] = "2"  #= set-variable B 2
raise SystemExit
os.environ["C"] = "3"  #= set-variable C 3 unsure
