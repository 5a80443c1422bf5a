import os
a = f"{'x':>{10}} {os.environ['A']!r} {{os.environ['B'] = 1}}"
b = f'''{
  os.environ["A"]
}'''
c = rf"\{a}" + Rb"x".decode() + u"os.environ['A'] = '1'"
os.environ["A"] = "1"  #= set-variable A 1
