import os
for i in range(2):
    os.environ["A"] = "1"  #= set-variable A 1
for i in os.listdir():
    os.environ["B"] = "1"  #= set-variable B 1 unsure
while True:
    os.environ["C"] = "1"  #= set-variable C 1
    break
while os.listdir():
    os.environ["D"] = "1"  #= set-variable D 1 unsure
