import os
if True:
	os.environ["A"] = "1"  #= set-variable A 1
os.environ["B"] = "2"  #= set-variable B 2
