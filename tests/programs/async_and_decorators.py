import os
@staticmethod
async def go():
    async with x:
        os.environ["A"] = "1"  #= set-variable A 1 unsure
    async for i in y:
        os.environ["B"] = "1"  #= set-variable B 1 unsure
