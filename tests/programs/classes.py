import os
class Settings:
    os.environ["A"] = "1"  #= set-variable A 1
    def __init__(self):
        os.environ["B"] = "1"  #= set-variable B 1 unsure
