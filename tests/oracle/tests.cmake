# More combinations of the Python oracle than in the inner loop; tests/real/roots_test.py has those of other Pythons.
add_test(NAME python_oracle_all COMMAND python_oracle_test --gtest_filter=PythonOracle.PredictsWhatTheInterpreterSays)
set_tests_properties(python_oracle_all PROPERTIES LABELS slow ENVIRONMENT TFDOCTOR_ORACLE_COMBINATIONS=200 TIMEOUT 1800)
add_dependencies(slow_tests python_oracle_test)
