from dotenv import load_dotenv
load_dotenv()  #= default-variable ? ?
load_dotenv(".env", override=True)  #= set-variable ? ?
