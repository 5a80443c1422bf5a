import os
HIDE = "-1"
TWICE = "0"
os.environ["A"] = HIDE  #= set-variable A -1
os.environ["B"] = TWICE  #= set-variable B ?
TWICE = "1"
PARAMETER = "5"
def f(PARAMETER):
    os.environ["C"] = PARAMETER  #= set-variable C ? unsure
