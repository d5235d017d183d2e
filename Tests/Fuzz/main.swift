FuzzRun.main()
