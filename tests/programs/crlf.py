import os
a = \
  "1"
os.environ["B"] = "2"  #= set-variable B 2
x = """
os.environ["C"] = "3"
"""
