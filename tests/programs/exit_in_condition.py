import os, sys
if len(sys.argv) < 2:
    sys.exit("usage")
os.environ["A"] = "2"  #= set-variable A 2
