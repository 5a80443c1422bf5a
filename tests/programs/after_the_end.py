import os, sys
os.environ["A"] = "1"  #= set-variable A 1
sys.exit(0)
os.environ["A"] = "2"  #= set-variable A 2 unsure
