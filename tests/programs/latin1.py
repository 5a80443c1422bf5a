# -*- coding: latin-1 -*-
import os
name = "Müller"
os.environ["A"] = "1"  #= set-variable A 1
