"""os.environ["CUDA_VISIBLE_DEVICES"] = "-1" """
import os
# os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
text = '''
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
'''
print("os.environ['CUDA_VISIBLE_DEVICES'] = '-1'")
other = f"{os.environ['HOME']} tf.device('/CPU:0')"
