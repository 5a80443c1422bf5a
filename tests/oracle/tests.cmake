# All combinations of the Python oracle: minutes, so not in the inner loop.
add_test(NAME python_oracle_all COMMAND python_oracle_test --gtest_filter=PythonOracle.PredictsWhatTheInterpreterSays)
set_tests_properties(python_oracle_all PROPERTIES LABELS slow ENVIRONMENT TFDOCTOR_ORACLE_COMBINATIONS=400 TIMEOUT 1800)
